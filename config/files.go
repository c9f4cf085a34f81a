package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// secretSettings can each be given as NAME_FILE too: the path of a file that holds the value, as orchestrators mount secrets. The keys of
// WeChat Pay are files of their own, see wechatpay.go.
var secretSettings = []string{"MYSQL_DSN", "BACKUP_MYSQL_DSN", "REDIS_PASSWORD", "WECHAT_APP_SECRET", "S3_SECRET_KEY", "FIELD_KEYS", "HASH_KEY"}

// fromFiles puts the contents of the files that are named into values, without white space around. Mistakes never quote a content.
func fromFiles(values map[string]string) (mistakes []error) {
	for _, name := range secretSettings {
		path := values[name+"_FILE"]
		if path == "" {
			continue
		}
		if values[name] != "" {
			mistakes = append(mistakes, fmt.Errorf("%s and %s_FILE are both set: one is enough", name, name))
			continue
		}
		content, err := os.ReadFile(path)
		text := strings.TrimSpace(string(content))
		if err == nil && text == "" {
			err = errors.New("the file is empty")
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s_FILE: %w", name, err))
			continue
		}
		values[name] = text
	}
	return mistakes
}
