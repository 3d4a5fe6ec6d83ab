-- A message that nobody objects to: no refusal, no edit.
local s = dofile(LIB .. "/session.lua")

local c = s.open()
s.client(c)
s.clean_message(c)
s.expect_no_edits(c)
mt.disconnect(c)
