-- A login that comes from too many networks within a day, or is refused again and again, is closed for a while.
--
--     store local { type = memory }
--     script watch_accounts { file = scripts/watch_accounts.lua
--         settings { networks = 5; refusals = 20; closed = 12h; notify = "postmaster@example.com" } }
--
-- First in the chain, so that it sees what the others refuse. A network is an IPv4 address without its last
-- number, or the first half of an IPv6 address. To open an account before its time, change its password and
-- wait, or restart a daemon whose store is memory. Without the setting notify nobody is told but the log.
local networks = settings.networks or 5
local refusals = settings.refusals or 20
local closed = settings.closed or "12h"
local who = settings.notify

local function network_of(ip)
    return ip:match("^(%d+%.%d+%.%d+)%.%d+$") or ip:match("^(%x*:%x*:%x*:%x*)") or ip
end

local function close(m, kind, why)
    local login = m.auth.user
    store.set("closed/" .. login, why, closed)
    store.delete("networks/" .. login) -- a new account of them begins when it is open again
    store.delete("refused/" .. login)
    log.warn("account closed", { login = login, why = why, duration = closed })
    metric("account_closed", { reason = kind })
    if who then
        notify{ to = who, once_per = "1h", text = why, subject = ("Account %s closed for %s"):format(login, closed) }
    end
end

local function refuse(why)
    return reject{ status = "5.7.1", reason = why, text = "Account closed for now, please contact your administrator" }
end

function mail(m)
    if not m.auth then return end
    local why = store.get("closed/" .. m.auth.user)
    if why then return refuse(why) end
    local count = store.add_to_set("networks/" .. m.auth.user, network_of(m.client.ip), "1d")
    if count > networks then
        why = ("used from %d networks within a day"):format(count)
        close(m, "networks", why)
        return refuse(why)
    end
end

function done(m, verdict)
    if not m.auth or not verdict or verdict.kind ~= "reject" then return end
    if store.get("closed/" .. m.auth.user) then return end
    if store.incr("refused/" .. m.auth.user, 1, "10min") >= refusals then
        close(m, "refusals", ("%d refused messages within 10 minutes"):format(refusals))
    end
end
