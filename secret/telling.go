package secret

import (
	"slices"
	"strings"
	"unicode"
)

// Telling reports whether people put secrets under a name: one that has password, passwd, passphrase, passcode, secret,
// credential or token in it, one with the word pass, pwd, psk, pin or community (of SNMP), and one whose last word is key or
// keys, unless it has the word public. Words are told apart by capitals and by whatever is no letter or digit. This is the one
// list there is; a descriptor marks what it does not know.
func Telling(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range []string{"password", "passwd", "passphrase", "passcode", "secret", "credential", "token"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	words := wordsOf(name)
	for _, w := range words {
		if slices.Contains([]string{"pass", "pwd", "psk", "pin", "community"}, w) {
			return true
		}
	}
	if len(words) == 0 || slices.Contains(words, "public") || slices.Contains(words, "pub") {
		return false
	}
	last := words[len(words)-1]
	return last == "key" || last == "keys" || strings.HasSuffix(last, "apikey") || strings.HasSuffix(last, "privatekey")
}

// wordsOf splits a name into words, in lower case: adminPass, ADMIN_PASS and admin-pass are admin and pass.
func wordsOf(name string) (words []string) {
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = nil
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) ||
			unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			end()
		}
		word = append(word, r)
	}
	end()
	return words
}
