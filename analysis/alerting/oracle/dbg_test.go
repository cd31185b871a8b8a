package oracle
import ("testing";"encoding/json";"llmops/analysis/alerting/internal/random";"os";"strconv")
func TestDbg(t *testing.T){ n,_:=strconv.ParseUint(os.Getenv("SEED"),10,64); c:=random.Make(n); b,_:=json.MarshalIndent(c.Groups,""," "); t.Logf("%v %s",c.Own,b); for _,s:=range c.Series{t.Log(s.Labels, len(s.Samples), s.Samples[:min(18,len(s.Samples))])}
a,_,_:=prometheus(t.Context(),c); o,_:=replay(t.Context(),c); t.Log(a.Failures,o.Failures); }
