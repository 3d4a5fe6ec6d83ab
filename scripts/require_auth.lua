-- Submission: login required, encrypted, and the sender must belong to the login.
--
--     script require_auth { file = scripts/require_auth.lua }
--     map sender_logins { source = postmap:/etc/postfix/sender_login_maps }
--
-- The plugin auth does the same in C and knows more cases; this is the rule to start your own from.
-- Put it into the chain of a profile for submission, such as one with port = [ 587, 465 ].
local logins = map "sender_logins" -- key: address or @domain, value: "login login ..."

local function owns(login, address)
    local owners = logins:get(address.addr) or logins:get("@" .. address.domain)
    if not owners then return false end
    for owner in owners:gmatch("[^%s,]+") do
        if owner == login then return true end
    end
    return false
end

function mail(m, from)
    if not m.tls then -- asked for first, so that no password is sent in the clear
        return reject{ code = 530, status = "5.7.0", text = "Must issue a STARTTLS command first" }
    end
    if not m.auth then
        return reject{ code = 530, status = "5.7.0", text = "Authentication required" }
    end
    if not from.null and not owns(m.auth.user, from) then
        return reject{ code = 553, status = "5.7.1",
            text = ("<%s>: Sender address rejected: not owned by user %s"):format(from.addr, m.auth.user) }
    end
end

function headers(m)
    if not m.auth then return end -- mail() has refused it, but in shadow mode the message comes
    local author = m.from_header
    if not author or not owns(m.auth.user, author) then
        return reject("5.7.1", "From: address not owned by user " .. m.auth.user)
    end
end
