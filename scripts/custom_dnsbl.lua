-- DNS lists of yours, asked together: one that lists the client marks the mail, several refuse it.
--
--     script custom_dnsbl { file = scripts/custom_dnsbl.lua; on_error = skip
--         settings { zones = [ one.example, two.example ]; refuse_at = 2 } }
--
-- The slowest list sets the pace. One that does not answer counts as one that lists nobody. The plugin
-- dnsbl does more: weights, IPv6, names, and lists that have died.
local zones = settings.zones or {}
local refuse_at = settings.refuse_at or 2

-- 127.0.0.x says what a list thinks; other answers are of lists that refuse to serve us, or are dead.
local function lists(answers)
    for _, address in ipairs(answers or {}) do
        if address:find("^127%.0%.0%.%d+$") then return true end
    end
    return false
end

function mail(m)
    if m.auth or m:from_trusted() then return end
    local a, b, c, d = m.client.ip:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    if not a then return end
    local questions, hits = {}, {}
    for i, zone in ipairs(zones) do
        questions[i] = { "a", table.concat({ d, c, b, a, zone }, ".") }
    end
    for i, reply in ipairs(dns.all(questions)) do
        if lists(reply.answers) then
            hits[#hits + 1] = zones[i]
        elseif reply.err then
            log.info("a list does not answer", { list = zones[i], why = reply.err })
        end
    end
    if #hits >= refuse_at then
        return reject("5.7.1", ("Client host [%s] is listed by %s"):format(m.client.ip, table.concat(hits, " and ")))
    elseif #hits > 0 then
        m:add_header("X-Listed-By", table.concat(hits, ", "))
    end
end
