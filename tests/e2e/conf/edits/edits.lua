-- Makes the edit that the field X-Edit names; "early" is asked for at MAIL, long before it can be made.
local edits = {
    add = function(m) m:add_header("X-Added", "yes") end,
    add_two = function(m)
        m:add_header("X-Two", "first")
        m:add_header("X-Two", "second")
    end,
    insert_one = function(m) m:insert_header(1, "X-Second", "yes") end,
    set = function(m) m:set_header("Subject", "another subject") end,
    set_missing = function(m) m:set_header("X-Missing", "now here") end,
    remove = function(m) m:remove_header("X-Secret") end,
    prefix = function(m) m:prefix_subject("[TAG] ") end,
    add_rcpt = function(m) m:add_rcpt("carol@example.com") end,
    drop_rcpt = function(m) m:drop_rcpt("bob@example.com") end,
    sender = function(m) m:set_sender("new@example.org") end,
}

function mail(m, from)
    if from.user == "early" then m:add_header("X-Early", "yes") end
end

function message(m)
    for name in (m:header("X-Edit") or ""):gmatch("[%a_]+") do
        if edits[name] then edits[name](m) end
    end
end
