-- An MTA of milter protocol 2 without optional steps is served, too.
local s = dofile(LIB .. "/session.lua")

local c = s.open(2, 0x3f, 0x1f)
s.client(c)
s.clean_message(c)
mt.disconnect(c)
