-- After RSET nothing of the first message is left: no edit, no note, no recipient.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c)
s.sender(c, "<early@example.org>")
s.recipient(c, "<alice@example.com>")
s.data(c)
s.header(c, "X-Edit", "add")
mt.abort(c)
s.clean_message(c)
s.expect_no_edits(c)
mt.disconnect(c)
