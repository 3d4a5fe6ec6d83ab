-- A stranger writes under the name of one of your people: "Jane Doe" <jane@example.org>.
--
--     script display_name { file = scripts/display_name.lua; on_error = skip
--         settings { people = [ "Jane Doe", "Jürgen Groß" ]; our_domains = [ example.com ] } }
--
-- The subject is marked; with action = quarantine the mail server holds the message. Somebody else may have that
-- name, and your people write from home and through mailing lists, so look a while at what is marked before you hold
-- it. The words of a name are found in any order ("Doe, Jane"), in capitals, too, and with invisible characters in
-- them; letters of another alphabet that look alike are not. Mail in the name of your own domains is for DMARC and
-- mark_outside.lua.
local action = settings.action or "mark"
local tag = settings.tag or "[NAME OF OURS, OTHER ADDRESS] "
if action ~= "mark" and action ~= "quarantine" then error("action is mark or quarantine, not " .. action) end

local ours = {}
for _, domain in ipairs(settings.our_domains or {}) do
    ours[domain:lower()] = true
end

local people = {}
for _, name in ipairs(settings.people or {}) do
    -- \Q and \E: what stands between them is no expression.
    local words = name:gsub("\\E", ""):gsub("%S+", [[(?=.*(?<!\w)\Q%0\E(?!\w))]]):gsub("%s+", "")
    if words ~= "" then people[#people + 1] = { name = name, words = "(*UTF)(*UCP)(?i)^" .. words } end
end

-- Without the address and what is invisible, and as much as anybody looks at.
local function shown_name(m)
    local text = m:header_text("From"):gsub("<[^<>]*>$", "")
    return re.gsub(text, [[(*UTF)\p{Cf}]], ""):sub(1, 1000)
end

function headers(m)
    local author = m.from_header
    if m.auth or m:from_trusted() or not author or ours[author.domain] then return end
    local shown = shown_name(m)
    for _, person in ipairs(people) do
        if re.find(shown, person.words) then
            m:note("display_name", person.name)
            if action == "quarantine" then
                return quarantine("name of " .. person.name .. ", address " .. author.addr)
            end
            m:prefix_subject(tag)
            return
        end
    end
end
