-- A message is held; the next one of the same connection is not.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c)
s.sender(c, "<odd@example.org>")
s.recipient(c, "<alice@example.com>")
s.message(c)
s.expect(c, "end of message", "continue accept")
s.expect_true("quarantine", mt.eom_check(c, MT_QUARANTINE))
s.clean_message(c)
s.expect_no_edits(c)
mt.disconnect(c)
