-- Shows that the links before it did not end the chain.
function message(m)
    m:add_header("X-Last", m.from.user)
end
