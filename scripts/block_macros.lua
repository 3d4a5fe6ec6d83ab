-- Office documents with macros are refused: by their name, and by what the file really is.
--
--     script block_macros { file = scripts/block_macros.lua
--         settings { extensions = [ docm, dotm, xlsm ] } }
--
-- A message whose attachments nobody can tell (too many parts, larger than max_message_size) is refused, too: take
-- that line out, and it passes unchecked.
local named = settings.extensions or { "docm", "dotm", "potm", "ppam", "ppsm", "pptm", "xlam", "xlsm", "xltm" }

local bad = {}
for _, ext in ipairs(named) do bad[ext:lower()] = true end

function message(m)
    local parts, why = m:attachments()
    if not parts then return reject("5.7.1", "Message rejected: attachments cannot be checked: " .. why) end
    for _, part in parts do
        if part.has_macros or bad[part.ext or ""] then
            local name = part.name ~= "" and part.name or part.type
            return reject("5.7.1", "Message rejected: attachment " .. name .. " contains macros")
        end
    end
end
