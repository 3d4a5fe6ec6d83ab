-- The rule of the comparison; rspamd.lua is the same for rspamd.
function message(m)
    local subject = m:header("Subject") or ""
    if subject:lower():find("[offer]", 1, true) then
        m:add_header("X-Offer", "yes")
    end
end
