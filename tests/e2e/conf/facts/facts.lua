-- Adds a field for each thing that the MTA told, so that a test sees it in the delivered message.
local function words(...)
    local list = table.pack(...)
    for i = 1, list.n do list[i] = tostring(list[i]) end
    return table.concat(list, " ")
end

function message(m)
    local client, server, auth, tls = m.client, m.server, m.auth, m.tls
    m:add_header("X-Client", words(client.ip, client.name, client.ptr))
    m:add_header("X-Server", words(server.ip, server.port, server.name, server.daemon))
    m:add_header("X-Helo", m.helo)
    m:add_header("X-Envelope", words(m.from.text, #m.rcpts, m.rcpts[1].text))
    m:add_header("X-Auth", auth and words(auth.user, auth.method) or "none")
    m:add_header("X-Tls", tls and words(tls.version, tls.bits) or "none")
    m:add_header("X-Queue-Id", words(m.queue_id))
    for i = 1, 3 do
        local value = m:header("X-Test", i)
        if value then m:add_header("X-Test-" .. i, "[" .. value:gsub("\r?\n", "|") .. "]") end
    end
end
