-- A small rule of the everyday kind: two hooks, a few string operations, an edit now and then.
function mail(m, from)
    if from.domain == "blocked.example" then
        return reject("5.7.1", "Your domain is not welcome")
    end
end

function message(m)
    local subject = m:header("Subject") or ""
    if subject:lower():find("urgent", 1, true) then
        m:prefix_subject("[URGENT] ")
    end
end
