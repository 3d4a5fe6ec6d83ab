-- The rule of the comparison; offer.lua is the same for Chainmail.
require "global_functions"()

rspamd_config.OFFER = {
    callback = function(task)
        local subject = task:get_header("Subject") or ""
        if subject:lower():find("[offer]", 1, true) then
            task:set_milter_reply({ add_headers = { ["X-Offer"] = "yes" } })
            return true
        end
        return false
    end,
    score = 0,
}
