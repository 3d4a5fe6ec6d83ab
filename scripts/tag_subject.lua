-- Mail whose author's domain does not vouch for it, and whose policy lets it pass: people are told.
--
--     plugin dmarc { fail = accept }
--     script tag_subject { file = scripts/tag_subject.lua; on_error = skip
--         settings { tag = "[UNVERIFIED] " } }
--
-- In the chain behind spf, dkim and dmarc. What a policy wants refused is left to the plugin dmarc.
local tag = settings.tag or "[UNVERIFIED] "

function message(m)
    if m.auth or m:from_trusted() then return end
    local found = m.dmarc
    if found.result == "fail" and found.policy ~= "reject" then
        m:prefix_subject(tag)
        m:add_header("X-Unverified", ("author %s, policy %s"):format(found.domain, found.policy))
    end
end
