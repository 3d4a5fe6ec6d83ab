-- run.lua - runs the file SESSION and says what went wrong, for miltertest keeps errors to itself
local done, problem = pcall(dofile, SESSION)
if not done then
    mt.echo(tostring(problem))
    error(problem)
end
