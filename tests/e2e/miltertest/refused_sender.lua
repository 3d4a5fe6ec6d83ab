-- A listed sender is refused at MAIL with a text; the next sender of the same client is not.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c)
s.sender(c, "<bad@example.org>")
s.expect(c, "MAIL of a listed sender", "reply")
s.clean_message(c)
mt.disconnect(c)
