-- mark.lua - edits before the signature: what is signed is what they make of the message
function message(m)
	if m:header("X-Edit") then
		m:prefix_subject("[edited] ")
		m:remove_header("X-Edit")
		m:add_header("Cc", "added@example.com")
		m:insert_header(0, "Reply-To", "inserted@example.com")
	end
end
