-- The last link: it marks what reaches it, so that a transcript sees what an earlier accept kept away.
function message(m)
    if m.from.user == "marked" or m.from.user:find("accept", 1, true) then
        m:add_header("X-Late", "yes")
    end
end
