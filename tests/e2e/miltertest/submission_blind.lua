-- An MTA that never tells the login: a temporary failure, not "not logged in" and not a pass.
local s = dofile(LIB .. "/session.lua")

local c = s.open(6, s.all_steps, 0xff)
s.client(c, { port = 587, tls = true })
s.sender(c, "<bob@example.com>")
s.expect(c, "MAIL, login unknown", "reply tempfail")
mt.disconnect(c)
