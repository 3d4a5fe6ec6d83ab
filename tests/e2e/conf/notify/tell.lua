-- Tells of each message, which is why what it tells must not come back to it.
function message(m)
    notify{ to = "dave@example.com", subject = "Post für " .. m.rcpts[1].addr, text = "from " .. m.from.addr }
end
