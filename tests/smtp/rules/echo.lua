-- Says back what it was told, as careless rules do: in a reply, in a header and in the log.
function helo(m, name)
    if name:find("echo", 1, true) then return reject("5.7.1", "You said " .. name) end
end

function mail(m, from)
    if from.user:find("echo", 1, true) then return reject("5.7.1", "Sender " .. from.text .. " not taken") end
    if not from.valid then return reject{ code = 553, status = "5.1.7", text = "Bad sender address " .. from.text } end
end

function rcpt(m, to)
    if not to.valid then return reject{ code = 553, status = "5.1.3", text = "Bad recipient address " .. to.text } end
end

function message(m)
    local subject = m:header("Subject") or ""
    log.info("subject " .. subject)
    if subject:find("echo", 1, true) then return reject("5.7.1", "Subject " .. subject) end
end
