-- A message is discarded at MAIL; the next one of the same connection is not.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c)
s.sender(c, "<junk@example.org>")
s.expect(c, "MAIL of a discarded sender", "discard")
s.clean_message(c)
mt.disconnect(c)
