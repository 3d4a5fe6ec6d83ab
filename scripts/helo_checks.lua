-- A stranger that calls itself by our name, or by an address that is not its own, is lying.
--
--     script helo_checks { file = scripts/helo_checks.lua
--         settings { our_names = [ mx.example.com, example.com ] } }
--
-- The refusal reaches the client at MAIL, so that somebody who logs in with an odd HELO may pass.
local ours = {}
for _, name in ipairs(settings.our_names or { "localhost" }) do
    ours[name:lower()] = true
end

function helo(m, name)
    if m:from_trusted() then return end
    name = name:lower():gsub("%.$", "")
    if ours[name] then
        return reject("5.7.1", "You are not " .. name)
    end
    local literal = name:match("^%[?(%d+%.%d+%.%d+%.%d+)%]?$")
    if literal and literal ~= m.client.ip then
        return reject("5.7.1", "HELO address does not match the client address")
    end
end
