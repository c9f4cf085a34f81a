package config

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/caarlos0/env/v11"
)

// TestExampleIsComplete ties config/example.env and docker-compose.yml to the settings that the program reads.
func TestExampleIsComplete(t *testing.T) {
	settings, err := env.GetFieldParams(&Config{})
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example.env")
	if err != nil {
		t.Fatal(err)
	}
	compose, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	setInImage := []string{"HTTP_ADDR", "DATA_DIR"}
	var want []string
	for _, s := range settings {
		want = append(want, s.Key+"="+s.DefaultValue)
		if !slices.Contains(setInImage, s.Key) && !regexp.MustCompile(`(?m)^    `+s.Key+`:`).Match(compose) {
			t.Errorf("docker-compose.yml does not pass %s on", s.Key)
		}
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^#([A-Z0-9_]+=.*)$`).FindAllSubmatch(example, -1) {
		got = append(got, string(m[1]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("example.env has\n%q\nthe program reads\n%q", got, want)
	}
}

// TestEmptyMeansDefault: a line of example.env uncommented as it stands, or a variable passed on empty, changes nothing.
func TestEmptyMeansDefault(t *testing.T) {
	settings, err := env.GetFieldParams(&Config{})
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for _, s := range settings {
		environ = append(environ, s.Key+"=")
	}
	if _, err := Load(environ); err != nil {
		t.Error(err)
	}
}
