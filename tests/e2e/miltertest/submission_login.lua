-- A login may send from its own addresses and from no other, in MAIL and in From:.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c, { port = 587, tls = true })
s.sender(c, "<carol@example.com>", "bob", true)
s.expect(c, "MAIL from an address of another", "reply")

s.sender(c, "<bob@example.com>", "bob", true)
s.expect(c, "MAIL from its own address", "continue")
s.recipient(c, "<alice@example.com>")
s.message(c, { { "From", "Bob <bob@example.com>" }, { "Subject", "hello" } })
s.expect(c, "end of its own message", "continue accept")

s.sender(c, "<bob@example.com>", "bob", true)
s.recipient(c, "<alice@example.com>")
s.message(c, { { "From", "Carol <carol@example.com>" }, { "Subject", "hello" } })
-- miltertest cannot compare the text of a reply (MT_SMTPREPLY finds none); the transcripts do.
s.expect(c, "end of a message in another's name", "reply")
mt.disconnect(c)
