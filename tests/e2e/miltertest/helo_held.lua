-- A refusal at HELO is held until MAIL, and holds for every message of the connection.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c, { helo = "mx.example.com" })
for _, from in ipairs({ "<ann@example.org>", "<other@example.org>" }) do
    s.sender(c, from)
    s.expect(c, "MAIL from " .. from, "reply")
end
mt.disconnect(c)
