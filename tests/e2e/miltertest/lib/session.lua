-- session.lua - an MTA's side of a session, as the sessions beside it use it
--
-- miltertest sends what it is told and raises an error where the filter switched a step off. A real MTA
-- leaves such a step out, and so do the functions here. Its mt.negotiate() takes version, steps, actions
-- (its manual page names them in another order). SOCKET comes from the command line.

local session = { all_steps = 0x1fffff, all_actions = 0x1ff }

local replies = {
    [SMFIR_ACCEPT] = "accept", [SMFIR_CONTINUE] = "continue", [SMFIR_DISCARD] = "discard",
    [SMFIR_REJECT] = "reject", [SMFIR_REPLYCODE] = "reply", [SMFIR_SKIP] = "skip", [SMFIR_TEMPFAIL] = "tempfail",
}

local function fail(what, expected, seen)
    error(("%s: expected %s, saw %s"):format(what, expected, tostring(seen)), 3)
end

local function succeed(what, problem)
    if problem ~= nil then fail(what, "no error", problem) end
end

-- What the filter answered last, as a word.
function session.reply(c)
    return replies[mt.getreply(c)] or tostring(mt.getreply(c))
end

-- Words, separated by blanks, any of which will do.
function session.expect(c, what, words)
    local seen = session.reply(c)
    if not (" " .. words .. " "):find(" " .. seen .. " ", 1, true) then fail(what, words, seen) end
end

function session.expect_true(what, seen)
    if not seen then fail(what, "true", seen) end
end

function session.expect_false(what, seen)
    if seen then fail(what, "false", seen) end
end

-- Connects and negotiates; version, steps and actions are those of Postfix unless given.
function session.open(version, steps, actions)
    local c = mt.connect(SOCKET, 50, 0.1)
    if c == nil then fail("connect to " .. SOCKET, "a connection", c) end
    succeed("negotiate", mt.negotiate(c, version or 6, steps or session.all_steps, actions or session.all_actions))
    return c
end

-- A step that the filter may have switched off.
local function step(name, off, call)
    session[name] = function(c, ...)
        if not mt.test_option(c, off) then succeed(name, call(c, ...)) end
    end
end

step("conninfo", SMFIP_NOCONNECT, mt.conninfo)
step("helo", SMFIP_NOHELO, mt.helo)
step("mail", SMFIP_NOMAIL, mt.mailfrom)
step("rcpt", SMFIP_NORCPT, mt.rcptto)
step("data", SMFIP_NODATA, mt.data)
step("header", SMFIP_NOHDRS, mt.header)
step("eoh", SMFIP_NOEOH, mt.eoh)
step("body", SMFIP_NOBODY, mt.bodystring)

-- The usual stranger, up to HELO. Options: ip, name, helo, port.
function session.client(c, o)
    o = o or {}
    mt.macro(c, SMFIC_CONNECT, "j", "mx.example.com", "{daemon_name}", "smtpd",
        "{daemon_addr}", "127.0.0.1", "{daemon_port}", tostring(o.port or 25),
        "{client_addr}", o.ip or "192.0.2.200", "{client_name}", o.name or "mail.example.net")
    session.conninfo(c, o.name or "mail.example.net", o.ip or "192.0.2.200")
    if o.tls then mt.macro(c, SMFIC_HELO, "{tls_version}", "TLSv1.3", "{cipher}", "AES", "{cipher_bits}", "256") end
    session.helo(c, o.helo or "mail.example.net")
    session.expect(c, "after HELO", "continue")
end

-- MAIL with the macros of Postfix; login may be nil.
function session.sender(c, from, login, tls)
    local macros = { "{mail_addr}", (from:gsub("[<>]", "")), "{mail_mailer}", "virtual" }
    for _, pair in ipairs({ { "{auth_authen}", login }, { "{auth_type}", login and "PLAIN" },
        { "{tls_version}", tls and "TLSv1.3" } }) do
        if pair[2] then
            macros[#macros + 1] = pair[1]
            macros[#macros + 1] = pair[2]
        end
    end
    mt.macro(c, SMFIC_MAIL, table.unpack(macros))
    session.mail(c, from)
end

-- RCPT, with the queue id that Postfix has from the first accepted recipient on.
function session.recipient(c, to)
    mt.macro(c, SMFIC_RCPT, "i", "4XZ9Yt0kqzQ", "{rcpt_addr}", (to:gsub("[<>]", "")), "{rcpt_mailer}", "virtual")
    session.rcpt(c, to)
end

-- Everything from DATA to the end of the message; fields is a list of { name, value }.
function session.message(c, fields, body)
    session.data(c)
    for _, field in ipairs(fields or { { "From", "<ann@example.org>" }, { "Subject", "hello" } }) do
        session.header(c, field[1], field[2])
    end
    session.eoh(c)
    session.body(c, body or "Hello.\r\n")
    succeed("end of message", mt.eom(c))
end

-- A whole message of a stranger that nothing objects to.
function session.clean_message(c)
    session.sender(c, "<ann@example.org>")
    session.expect(c, "MAIL", "continue")
    session.recipient(c, "<alice@example.com>")
    session.expect(c, "RCPT", "continue")
    session.message(c)
    session.expect(c, "end of message", "continue accept")
end

-- None of the edits that end of message can ask for. miltertest wants to be told which recipient; those
-- are the ones of the rule edits.lua.
local edits = {
    { "body replaced", MT_BODYCHANGE }, { "header added", MT_HDRADD }, { "header changed", MT_HDRCHANGE },
    { "header deleted", MT_HDRDELETE }, { "header inserted", MT_HDRINSERT }, { "quarantine", MT_QUARANTINE },
    { "recipient added", MT_RCPTADD, "<carol@example.com>" }, { "recipient dropped", MT_RCPTDELETE, "<bob@example.com>" },
}

function session.expect_no_edits(c)
    for _, edit in ipairs(edits) do
        session.expect_false(edit[1], mt.eom_check(c, table.unpack(edit, 2)))
    end
end

return session
