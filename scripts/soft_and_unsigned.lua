-- The sender's domain doubts the client, and nobody has signed: such mail must come twice.
--
--     store local { type = memory }
--     plugin greylist { }
--     script soft_and_unsigned { file = scripts/soft_and_unsigned.lua
--         settings { delay = 10min } }
--
-- Decided at the end of the message, where signatures are known; the plugin greylist need not stand in
-- the chain, spf and dkim must.
local delay = settings.delay or "5min"

function message(m)
    if m.auth or m:from_trusted() then return end
    if m.spf.result == "softfail" and m.dkim.result ~= "pass" then
        return greylist(m, { delay = delay })
    end
end
