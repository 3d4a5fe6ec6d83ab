-- Hooks that do nothing, as those of the plugin empty.
function helo(m, name) end

function mail(m, from) end
