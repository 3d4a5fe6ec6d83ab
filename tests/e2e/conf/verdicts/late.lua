-- The last link: what an earlier one accepted must not reach it.
function rcpt(m, to)
    if to.user:find("rcpt-accept", 1, true) then
        return reject("5.7.1", "the last link saw an accepted recipient")
    end
end

function message(m)
    m:add_header("X-Late", "yes")
end
