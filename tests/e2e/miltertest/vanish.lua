-- An MTA that goes away without a word at any step harms nobody.
local s = dofile(LIB .. "/session.lua")

local steps = {
    function() end,
    function(c) s.client(c) end,
    function(c) s.sender(c, "<early@example.org>") end,
    function(c) s.recipient(c, "<alice@example.com>") end,
    function(c) s.data(c) end,
    function(c) s.header(c, "X-Edit", "add") end,
    function(c) s.eoh(c) end,
}
for last = 1, #steps do
    local c = s.open()
    for i = 1, last do steps[i](c) end
    mt.disconnect(c, false)
end
local c = s.open()
s.client(c)
s.clean_message(c)
s.expect_no_edits(c)
mt.disconnect(c)
