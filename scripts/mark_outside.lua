-- Mail from outside that names us as its author is marked, for people and for their mail programs.
--
--     script mark_outside { file = scripts/mark_outside.lua; on_error = skip
--         settings { our_domains = [ example.com ] } }
--
-- A mailing list brings back what our users sent to it, so nothing is refused here.
local ours = {}
for _, domain in ipairs(settings.our_domains or {}) do
    ours[domain:lower()] = true
end
local tag = settings.tag or "[OUTSIDE] "

function message(m)
    if m:from_trusted() or m.auth then return end
    local author = m.from_header
    if author and ours[author.domain] and not m:header("List-Id") then
        m:prefix_subject(tag)
        m:add_header("X-Outside", "author " .. author.domain .. ", client " .. m.client.ip)
        m:note("outside", author.domain)
    end
end
