-- Misbehaves at MAIL in the way that its setting says, when the sender's local part asks for that.
local does = {
    loop = function() while true do end end,
    memory = function()
        local t = {}
        while true do t[#t + 1] = ("x"):rep(1024 * 1024) .. #t end
    end,
    nonsense = function() return { verdict = "perhaps" } end,
    nothing = function() return nil end,
    pattern = function() return (("a"):rep(40)):match(("a*"):rep(30) .. "b") end,
    raise = function() error("raised on purpose") end,
    recurse = function()
        local function again(n) return 1 + again(n + 1) end
        return again(1)
    end,
}

function mail(m, from)
    if from.user == settings.does then return does[settings.does]() end
end
