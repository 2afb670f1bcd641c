package config

import (
	"slices"
	"strings"
)

// SecretsToEnvironment takes the values of secret settings out of a command line and puts them into the environment, where
// they mean the same: everybody on a machine can read the arguments of a process, nobody but its user the environment. It
// returns both as they should be; args begins with the program's name.
func SecretsToEnvironment(args, env []string) (rest, with []string, err error) {
	flags, err := settings(&Config{})
	if err != nil {
		return nil, nil, err
	}
	variable := map[string]string{}
	for _, f := range flags {
		if f.Tag.Has("secret") {
			variable["--"+f.Name] = f.Envs[0]
		}
	}
	with = slices.Clone(env)
	for i := 0; i < len(args); i++ {
		if args[i] == "--" { // behind it there are no flags
			return append(rest, args[i:]...), with, nil
		}
		name, value, given := strings.Cut(args[i], "=")
		v, secret := variable[name]
		if secret && !given && i+1 < len(args) {
			i++
			value, given = args[i], true
		}
		if !secret || !given {
			rest = append(rest, args[i])
			continue
		}
		with = slices.DeleteFunc(with, func(e string) bool { return strings.HasPrefix(e, v+"=") })
		with = append(with, v+"="+value)
	}
	return rest, with, nil
}
