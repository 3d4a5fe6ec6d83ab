-- Refuses a message at its end, when all its recipients were taken.
function message(m)
    if m:header("Subject") == "refuse me" then
        return reject("5.7.1", "Refused at its end")
    end
end
