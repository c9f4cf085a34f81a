package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"bangfu/app"
	"bangfu/config"
	"bangfu/demo"
	"bangfu/model"
)

// playDemo serves the product and, unless DATA_DIR holds a played year already, plays one through its HTTP interface.
func playDemo(ctx context.Context, cfg *config.Config, o app.Options, exit bool, stdout io.Writer) error {
	if !cfg.Emulated() {
		return errors.New("demo makes invented people log in, so it runs only with the built-in WeChat emulator: unset WECHAT_BASE_URL")
	}
	dir := filepath.Join(cfg.DataDir, "demo")
	played := demo.Played(dir)
	clock := &demo.Clock{}
	o.Clock = clock
	if !played {
		clock.Set(model.YearOf(time.Now()).Start()) // what first start sets up is there from the year's beginning
	}
	listener, err := net.Listen("tcp", cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	free, err := app.Occupy(cfg)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer free()
	a, err := open(ctx, cfg, o, true, io.Discard)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if !played && a.FirstPassword == "" {
		return errors.Join(fmt.Errorf("the database holds something else than a completed demonstration; to play a new one, %s", startOver(cfg)), listener.Close(), a.Close())
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- listen(serving, a, listener) }()
	base := "http://" + listener.Addr().String()
	if !played {
		err = play(ctx, cfg, a, clock, base, dir, stdout)
	}
	if err == nil {
		tour(stdout, cfg, base, dir)
		if exit {
			stop()
		}
	} else {
		stop()
	}
	err = errors.Join(err, <-served)
	stop()
	return err
}

// startOver says how to get rid of a demonstration that was cut short.
func startOver(cfg *config.Config) string {
	if cfg.MySQLDSN != "" {
		return fmt.Sprintf("drop the database of MYSQL_DSN and create it anew, and remove %s", cfg.DataDir)
	}
	return fmt.Sprintf("choose another DATA_DIR or remove this one: rm -r %s", cfg.DataDir)
}

func play(ctx context.Context, cfg *config.Config, a *app.App, clock *demo.Clock, base, dir string, stdout io.Writer) error {
	password, made, err := cfg.Secret("demo-password", config.Password)
	if err != nil {
		return err
	}
	start := time.Now()
	a.Guard.LiftLimits(true)
	defer a.Guard.LiftLimits(false)
	err = demo.Play(ctx, demo.Stage{
		Base: base, Clock: clock, Dir: dir, AdminPassword: a.FirstPassword, Password: password, SeedPolicy: a.Allowance.SeedDemoPolicy, Out: stdout,
		Meanwhile: func(ctx context.Context) error { return errors.Join(a.Tidy(ctx), a.Notify.Drain(ctx)) },
	})
	if err != nil {
		return fmt.Errorf("the demonstration stopped half way: %w\nTo play it again, %s", err, startOver(cfg))
	}
	if err := a.Tidy(ctx); err != nil { // what the clock does meanwhile: parcels received by themselves, sales counted
		return err
	}
	_, _ = fmt.Fprintf(stdout, "\n演示年度已走完，用时 %s。\n", time.Since(start).Round(100*time.Millisecond))
	if made {
		_, _ = fmt.Fprintf(stdout, "所有演示账号的密码：%s（只显示这一次，另存于 %s）\n", password, cfg.SecretPath("demo-password"))
	}
	return nil
}

// tour tells where to look and with which accounts.
func tour(stdout io.Writer, cfg *config.Config, base, dir string) {
	_, _ = fmt.Fprintf(stdout, `
统计表（xlsx、PDF；已提交的各期为正式表，未到期的一期为草稿）：%[2]s
接口说明：%[1]s/docs/      健康：%[1]s/readyz      指标：%[1]s/metrics
控制台账号（密码与动态口令密钥见 %[3]s，密码另见 %[4]s）：
  demo-city、demo-city2  市总工会（制单、复核）  demo-federation1…3  县区、产业工会
  demo-admin1…5          工会经办人              demo-approver1…5    工会审批人
  demo-supplier1…3       供应商                  demo-cashier1…2     专馆收银员
  demo-auditor           审计（只读）            admin               运维
看什么：README 的 “What to look at in the demonstration” 按账号列出
会员：demo-member1-1 … demo-member5-7，用模拟器取登录码：
  curl -X POST %[1]s/emulator/_emulator/users/demo-member1-1/login-code
  curl -X POST -H 'Content-Type: application/json' -d '{"code":"…"}' %[1]s/api/v1/member/login
动态口令：oathtool --totp -b 密钥，或任意动态口令应用
核对账目%[6]s：DATA_DIR=%[5]s bin/bangfu reconcile
`, base, dir, filepath.Join(dir, "accounts.json"), cfg.SecretPath("demo-password"), cfg.DataDir, otherShell(cfg))
}

// otherShell says what else a command in another shell needs to find the demonstration's database; the DSN itself, which holds a password, is not shown.
func otherShell(cfg *config.Config) string {
	if cfg.MySQLDSN == "" {
		return ""
	}
	return "（先设好与本次相同的 MYSQL_DSN，否则核对的不是这个数据库）"
}
