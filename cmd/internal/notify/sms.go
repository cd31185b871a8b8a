package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// twilio is where Twilio takes messages; %s is the account.
const twilio = "https://api.twilio.com/2010-04-01/Accounts/%s/Messages.json"

// openSMS sends short messages through Twilio, one request a number.
func (ch *Channel) openSMS(s SMS, env Lookup) (warnings []string, err error) {
	ch.Kind = "sms"
	read := func(what string, from Secret) (text string, err error) {
		if from == (Secret{}) {
			return "", fmt.Errorf("receiver %s: sms: %s is missing", ch.Receiver, what)
		}
		text, w, err := from.read(ch.Receiver, env)
		warnings = append(warnings, w...)
		return text, err
	}
	account, err := read("account_sid_env", s.AccountSID)
	if err != nil {
		return warnings, err
	}
	token, err := read("auth_token_env", s.AuthToken)
	if err != nil {
		return warnings, err
	}
	from, to := s.From, s.To
	if from == "" {
		if from, err = read("from or from_env", Secret{Env: s.FromEnv}); err != nil {
			return warnings, err
		}
	}
	if len(to) == 0 {
		list, err := read("to or to_env", Secret{Env: s.ToEnv})
		if err != nil {
			return warnings, err
		}
		to = strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == ';' })
	}
	for _, number := range to {
		if !isNumber(number) {
			return warnings, fmt.Errorf("receiver %s: sms: %q is no telephone number such as +14155550100", ch.Receiver, number)
		}
	}
	ch.clean.Secrets = secretsOf(&url.URL{Scheme: "sms", User: url.UserPassword(account, token)}, token)
	address := fmt.Sprintf(twilio, url.PathEscape(account))
	ch.begin = func(m Message) func(context.Context, line) error {
		left := to
		return func(ctx context.Context, l line) error {
			var refused []error
			for len(left) > 0 {
				err := l.sms(ctx, address, account, token, from, left[0], m.Short())
				if f, ok := errors.AsType[*failure](err); ok && f.status == http.StatusBadRequest {
					refused = append(refused, err) // of this number; the others are still told
				} else if err != nil {
					return err
				}
				left = left[1:]
			}
			return join(refused)
		}
	}
	return warnings, nil
}

// sms sends one message.
func (l line) sms(ctx context.Context, address, account, token, from, to, text string) error {
	form := url.Values{"To": {to}, "Body": {text}}
	if strings.HasPrefix(from, "MG") {
		form.Set("MessagingServiceSid", from)
	} else {
		form.Set("From", from)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return &failure{msg: err.Error()}
	}
	req.SetBasicAuth(account, token)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return l.ask(ctx, req)
}

// isNumber tells a number of E.164.
func isNumber(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

// join makes one failure, which another try does not mend, of several; nil for none.
func join(refused []error) error {
	if len(refused) == 0 {
		return nil
	}
	f := &failure{}
	var words []string
	for _, err := range refused {
		words = append(words, err.Error())
		if e, ok := errors.AsType[*failure](err); ok {
			f.status = e.status
		}
	}
	f.msg = strings.Join(words, "; ")
	return f
}
