-- Fifty messages on one connection, every fifth refused.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c)
for i = 1, 50 do
    if i % 5 == 0 then
        s.sender(c, "<bad@example.org>")
        s.expect(c, "MAIL of message " .. i, "reply")
    else
        s.clean_message(c)
    end
end
mt.disconnect(c)
