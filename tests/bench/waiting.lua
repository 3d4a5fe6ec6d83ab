-- Asks for a name that is answered after two seconds, another one each time.
function mail(m, from)
    if m.server.port == 587 then return end
    local found, err = dns.a("d2000.w" .. m.id .. ".example")
    if not found then
        return tempfail("no answer: " .. err)
    end
end
