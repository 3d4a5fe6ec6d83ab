-- A login may have so many recipients in a period; before it is full, the log says so once.
--
--     store local { type = memory }
--     script outbound_limit { file = scripts/outbound_limit.lua
--         settings { limit = "200/1h"; warn_at = 80 } }
--
-- Recipients count when they are named, whatever becomes of the message. The plugin ratelimit does the
-- same in C, gives back what was refused, and can be asked with `chainmail limit`.
local limit = settings.limit or "200/1h"
local share = (settings.warn_at or 80) / 100

function rcpt(m, to)
    if not m.auth then return end
    local login = m.auth.user
    local now = ratelimit{ key = "outbound/" .. login, limit = limit }
    if not now.ok then
        return tempfail{ code = 450, status = "4.7.1", reason = login .. " has reached " .. limit,
            text = ("You have had %d recipients, try again in %d minutes"):format(
                now.limit, math.ceil(now.retry_after / 60)) }
    end
    if now.used >= now.limit * share and store.incr("outbound_warned/" .. login, 1, "1h") == 1 then
        log.warn("login is near its limit", { login = login, used = now.used, limit = now.limit })
    end
end
