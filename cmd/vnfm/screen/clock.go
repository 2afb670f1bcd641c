package screen

import (
	"strconv"
	"time"
)

// stampLayout is how times are shown.
const stampLayout = "2006-01-02 15:04:05.000"

// Local is the zone in which times are shown.
func (s *Screen) Local() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// Stamp is a time to the millisecond, in the screen's zone; "" for none.
func (s *Screen) Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.Local()).Format(stampLayout)
}

// ZoneName is the screen's zone, for headings.
func (s *Screen) ZoneName() string {
	if s.Local() == time.UTC {
		return "UTC"
	}
	name, _ := s.now().In(s.Local()).Zone()
	return name
}

func (s *Screen) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// Age is how long ago something was, in one unit: 45s, 17m, 5h, 12d, 3y; "" for a time that is none.
func (s *Screen) Age(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := max(s.now().Sub(t), 0)
	const day = 24 * time.Hour
	for _, u := range []struct {
		below, unit time.Duration
		name        string
	}{{2 * time.Minute, time.Second, "s"}, {2 * time.Hour, time.Minute, "m"}, {2 * day, time.Hour, "h"}, {2 * 365 * day, day, "d"}} {
		if d < u.below {
			return strconv.Itoa(int(d/u.unit)) + u.name
		}
	}
	return strconv.Itoa(int(d/(365*day))) + "y"
}

// ParseTime reads a time as Stamp prints it, in the screen's zone; its milliseconds and seconds may be left out. A time with
// milliseconds means their end, so that what happened in the last one counts.
func (s *Screen) ParseTime(text string) (time.Time, bool) {
	for i, layout := range []string{stampLayout, "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, s.Local()); err == nil {
			if i == 0 {
				t = t.Add(time.Millisecond - time.Microsecond)
			}
			return t, true
		}
	}
	return time.Time{}, false
}

// Elapsed is the time from one instant to another, to a tenth of a second, or finer below one.
func Elapsed(from, to time.Time) string {
	if from.IsZero() || to.Before(from) {
		return ""
	}
	d := to.Sub(from)
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
