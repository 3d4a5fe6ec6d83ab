-- Cases of display_name.lua. Run: chainmail test scripts
local ours = { our_domains = { "example.com" }, people = { "Jane Doe", "Jürgen Groß", "Pat (IT) O'Hara" } }
local hold = { our_domains = { "example.com" }, people = { "Jane Doe" }, action = "quarantine" }
local marked = "set header Subject: [NAME OF OURS, OTHER ADDRESS] urgent"

local function from(value)
    return { From = value, Subject = "urgent" }
end

for what, value in pairs{
    ["a name and a strange address"] = "Jane Doe <jane@example.org>",
    ["a name in quotes"] = '"Jane Doe" <jane@example.org>',
    ["the surname first, in capitals"] = '"DOE, Jane" <jane@example.org>',
    ["a name with more around it"] = "CEO Jane Doe (urgent) <jane@example.org>",
    ["a name that is encoded"] = "=?utf-8?B?SmFuZSBEb2U=?= <jane@example.org>",
    ["a name in two words"] = "=?utf-8?Q?Jane_D?=\n =?utf-8?Q?oe?= <jane@example.org>",
    ["an encoded name in quotes"] = '"=?koi8-r?Q?Jane=20Doe?=" <jane@example.org>',
    ["invisible characters in it"] = "=?utf-8?Q?J=E2=80=8Bane_Do=E2=80=8De?= <jane@example.org>",
    ["a blank that does not break"] = "=?iso-8859-1?Q?Jane=A0Doe?= <jane@example.org>",
    ["umlauts in capitals"] = "=?iso-8859-1?Q?J=DCRGEN_Gro=DF?= <j@example.org>",
    ["a name with signs"] = '"Pat (IT) O\'Hara" <pat@example.org>',
    ["a name with a long tail"] = "Jane Doe " .. ("\u{e4}"):rep(30000) .. " <jane@example.org>",
    ["a field that is not valid"] = "Jane Doe <jane@example.org>, Eve <eve@example.org>",
} do
    case(what) { settings = ours } :mail "a@example.org" :send(from(value)) :expect "nothing" :expect_edit(marked)
end

for what, value in pairs{
    ["one of us"] = "Jane Doe <jane@Example.com>",
    ["a longer name"] = "Jane Doering <jane@example.org>",
    ["half a name"] = "Jane <jane@example.org>",
    ["a name in the address alone"] = "<jane.doe@example.org>",
} do
    case(what) { settings = ours } :mail "a@example.org" :send(from(value)) :expect "nothing" :expect_edit "nothing"
end

case "the message is held" { settings = hold }
    :mail "a@example.org" :send(from "Jane Doe <jane@example.org>") :expect "quarantine"

case "one of us is not held" { settings = hold }
    :mail "a@example.org" :send(from "Jane Doe <jane@example.com>") :expect "nothing"

case "a login may call itself anything" { settings = ours, login = "jane" }
    :mail "jane@example.com" :send(from "Jane Doe <jane@example.org>") :expect_edit "nothing"

case "from our own network" { settings = ours, trusted = true }
    :mail "a@example.org" :send(from "Jane Doe <jane@example.org>") :expect_edit "nothing"

case "another tag" { settings = { people = { "Jane Doe" }, tag = "[?] " } }
    :mail "a@example.org" :send(from "Jane Doe <jane@example.org>") :expect_edit "set header Subject: [?] urgent"

case "no author" { settings = ours }
    :mail "a@example.org" :send { Subject = "Jane Doe" } :expect_edit "nothing"

case "nobody without settings" {}
    :mail "a@example.org" :send(from "Jane Doe <jane@example.org>") :expect_edit "nothing"
