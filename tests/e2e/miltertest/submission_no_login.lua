-- The submission port without a login, with TLS and without.
local s = dofile(LIB .. "/session.lua")

for _, tls in ipairs({ false, true }) do
    local c = s.open()
    s.client(c, { port = 587, tls = tls })
    s.sender(c, "<bob@example.com>", nil, tls)
    s.expect(c, "MAIL without login", "reply")
    mt.disconnect(c)
end
