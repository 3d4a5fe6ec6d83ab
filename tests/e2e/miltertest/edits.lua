-- Edits asked for by a rule arrive at end of message.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c)
s.sender(c, "<early@example.org>")
s.recipient(c, "<alice@example.com>")
s.recipient(c, "<bob@example.com>")
s.message(c, {
    { "From", "<early@example.org>" },
    { "Subject", "hello" },
    { "X-Secret", "inside" },
    { "X-Edit", "add remove prefix add_rcpt drop_rcpt" },
})
s.expect(c, "end of message", "continue accept")
s.expect_true("header added", mt.eom_check(c, MT_HDRADD, "X-Added", "yes"))
s.expect_true("header asked for at MAIL", mt.eom_check(c, MT_HDRADD, "X-Early", "yes"))
s.expect_true("header removed", mt.eom_check(c, MT_HDRDELETE, "X-Secret"))
s.expect_true("subject changed", mt.eom_check(c, MT_HDRCHANGE, "Subject", "[TAG] hello"))
s.expect_true("recipient added", mt.eom_check(c, MT_RCPTADD, "<carol@example.com>"))
s.expect_true("recipient dropped", mt.eom_check(c, MT_RCPTDELETE, "<bob@example.com>"))
s.expect_false("body left alone", mt.eom_check(c, MT_BODYCHANGE))
mt.disconnect(c)
