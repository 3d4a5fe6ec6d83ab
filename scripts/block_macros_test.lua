-- Cases of block_macros.lua. Run: chainmail test scripts

-- A message with one attachment: its fields, and its content as they encode it.
local function carrying(fields, content)
    return "From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        .. "--b\nContent-Type: text/plain\n\nPlease look.\n--b\n" .. fields .. "\n\n" .. content .. "\n--b--\n"
end

local function file(name, content)
    return carrying('Content-Type: application/octet-stream; name="' .. name .. '"\nContent-Transfer-Encoding: base64',
        content)
end

-- ZIP files with nothing but [Content_Types].xml: one names a project of Visual Basic, the other does not.
local with_macros = "UEsDBBQAAAAIAAAAIQAYJFgwmQAAAAEBAAATAAAAW0NvbnRlbnRfVHlwZXNdLnhtbIWPuw7CMAxFf6XKikhg72Ng"
    .. "hw78QJq4yKixoySE8vckQnSE0Y9zfN0Oq1uaDCEiUyeO8iCGvr2+PMS+vZR+QAvNqEM6awedUE8OVlk2DweUZIFFc2JKpahQJ7T3Cxqdik5l"
    .. "spI9UNmaOTid4p7nGQ1sfLX5wAZiRLq5RW4Tp5F2Va9+5FjlhPQngPselXnSY+A7mFSl6vPkG1BLAQIUAxQAAAAIAAAAIQAYJFgwmQAAAAEB"
    .. "AAATAAAAAAAAAAAAAACAAQAAAABbQ29udGVudF9UeXBlc10ueG1sUEsFBgAAAAABAAEAQQAAAMoAAAAAAA=="
local without = "UEsDBBQAAAAIAAAAIQB2H1eVhAAAAKwAAAATAAAAW0NvbnRlbnRfVHlwZXNdLnhtbD2OQQ4CIQxFrzJhawTdA7Nwry68"
    .. "QAPFkEBLAEe9vRCTWfb//16q109Oy4a1RSYjzvIkVqsf34LN6tvIa/S43KH2K2Q0Qr25euXZvTJSlwMWy4Wpj2NCRkApKTroQ6c28pIL0lgF"
    .. "rhl6O3II0eHOT1up7LC1SM+c5N5kiHSYemW1+v/zA1BLAQIUAxQAAAAIAAAAIQB2H1eVhAAAAKwAAAATAAAAAAAAAAAAAACAAQAAAABbQ29u"
    .. "dGVudF9UeXBlc10ueG1sUEsFBgAAAAABAAEAQQAAALUAAAAAAA=="

-- The header of a compound file and one entry of its directory, a storage of that name.
local function compound(name)
    local entry = name:gsub(".", "%0=00") .. ("=00"):rep(64 - 2 * #name) .. ("=%02X=00=01=01"):format(2 * #name + 2)
    return "=D0=CF=11=E0=A1=B1=1A=E1" .. ("=00"):rep(504) .. entry .. ("=00"):rep(60)
end

local function letter(name)
    return carrying('Content-Type: application/msword\nContent-Disposition: attachment; filename="letter.doc"\n'
        .. "Content-Transfer-Encoding: quoted-printable", compound(name))
end

case "the name says so"
    :mail "a@example.org" :send(file("Offer.DOCM", "eA=="))
    :expect "reject 550 5.7.1 Message rejected: attachment Offer.DOCM contains macros"

case "another name, but the document has a project of Visual Basic"
    :mail "a@example.org" :send(file("offer.docx", with_macros))
    :expect "reject 550 5.7.1 Message rejected: attachment offer.docx contains macros"

case "no name at all"
    :mail "a@example.org"
    :send(carrying("Content-Type: application/zip\nContent-Transfer-Encoding: base64", with_macros))
    :expect "reject 550 5.7.1 Message rejected: attachment application/zip contains macros"

case "a document without macros"
    :mail "a@example.org" :send(file("offer.docx", without)) :expect "nothing"

case "an old document of Word with macros"
    :mail "a@example.org" :send(letter "Macros") :expect "reject 550 5.7.1"

case "an old document of Word without"
    :mail "a@example.org" :send(letter "ObjectPool") :expect "nothing"

case "a message that was forwarded"
    :mail "a@example.org" :send("From: a@example.org\nContent-Type: message/rfc822\n\n" .. file("x.docx", with_macros))
    :expect "reject 550 5.7.1"

case "other names" { settings = { extensions = { "EXE" } } }
    :mail "a@example.org" :send(file("x.exe", "eA==")) :expect "reject 550 5.7.1"

case "plain text"
    :mail "a@example.org" :send { From = "a@example.org", body = "offer.docm" } :expect "nothing"

case "more parts than anybody reads"
    :mail "a@example.org" :send(carrying("", ("--b\n\nx\n"):rep(600)))
    :expect "reject 550 5.7.1 Message rejected: attachments cannot be checked: too many parts"
