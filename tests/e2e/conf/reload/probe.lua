-- Refuses one sender with a text that says which version of this file is running.
function mail(m, from)
    if from.user == "probe" then
        return reject("5.7.1", "version 0")
    end
end
