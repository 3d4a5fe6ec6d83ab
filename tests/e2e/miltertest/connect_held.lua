-- A client in a listed network hears of it at MAIL; IPv4 and IPv6.
local s = dofile(LIB .. "/session.lua")

for _, ip in ipairs({ "192.0.2.7", "2001:db8::7" }) do
    local c = s.open()
    s.client(c, { ip = ip })
    s.sender(c, "<ann@example.org>")
    s.expect(c, "MAIL of client " .. ip, "reply")
    mt.disconnect(c)
end
