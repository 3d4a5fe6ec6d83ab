-- A stranger that greets us with our own name is lying.
local ours = { ["mx.example.com"] = true, ["example.com"] = true, ["localhost"] = true }

function helo(m, name)
    if ours[name:lower()] then
        return reject("5.7.1", "You are not " .. name:lower())
    end
end
