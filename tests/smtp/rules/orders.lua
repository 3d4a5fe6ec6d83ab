-- Does what a transcript orders: STAGE-VERDICT at the start of the client's name, the HELO name, the sender's or a
-- recipient's local part.
local verdicts = {
    accept = function() return accept("as ordered") end,
    discard = function() return discard("as ordered") end,
    lines = function() return reject("5.7.1", "a\nb 100%") end,
    percent = function(stage) return reject("5.7.1", "100% refused at " .. stage .. ", %s and %n too") end,
    quarantine = function() return quarantine("as ordered") end,
    reject = function(stage) return reject("5.7.1", "refused at " .. stage) end,
    tempfail = function(stage) return tempfail("4.7.1", "refused at " .. stage) end,
}

local function obey(stage, order)
    local verdict = order and order:match("^" .. stage .. "%-(%a+)")
    if verdict then return verdicts[verdict](stage) end
end

function connect(m) return obey("connect", m.client.name) end

function helo(m, name) return obey("helo", name) end

function mail(m, from) return obey("mail", from.user) end

function rcpt(m, to) return obey("rcpt", to.user) end

function data(m) return obey("data", m.from.user) end

function headers(m) return obey("headers", m.from.user) end

function message(m) return obey("message", m.from.user) end
