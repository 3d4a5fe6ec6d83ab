-- An MTA that allows no edit still gets its answers, and no edit.
local s = dofile(LIB .. "/session.lua")

local c = s.open(6, s.all_steps, SMFIF_SETSYMLIST)
s.client(c)
s.sender(c, "<early@example.org>")
s.expect(c, "MAIL", "continue reply tempfail")
if s.reply(c) == "continue" then
    s.recipient(c, "<alice@example.com>")
    s.message(c, { { "Subject", "hello" }, { "X-Edit", "add prefix add_rcpt" } })
    s.expect_no_edits(c)
end
mt.disconnect(c)
